// The report in a browser: it loads nothing, complains of nothing, sorts, filters, zooms, and fits the
// screen. Skipped, and said so, where no chromium is.
#include <doctest/doctest.h>

#include "tests/e2e/leto_process.h"

namespace leto::e2e {
namespace {

/// Runs behind the page's own script and leaves its findings in the title.
constexpr auto kProbe = R"js(<script>
const found = [];
const check = (what, ok) => { if (!ok) found.push(what); };
const box = document.querySelector(".explore"), cells = n => [...box.querySelectorAll("tbody tr:not([hidden])")].map(r => +r.cells[n].dataset.v);
const ordered = (v, up) => v.every((x, i) => i === 0 || (up ? v[i - 1] <= x : v[i - 1] >= x));
const buttons = box.querySelectorAll("thead button");
buttons[7].click(); check("not sorted down", cells(7).length > 3 && ordered(cells(7), false));
buttons[7].click(); check("not sorted up", ordered(cells(7), true));
check("sort not said", box.querySelectorAll("th[aria-sort=ascending]").length === 1);
const input = box.querySelector("input"), all = cells(3).length;
input.value = "backward"; input.dispatchEvent(new Event("input"));
check("not filtered", cells(3).length > 0 && cells(3).length < all);
input.value = ""; input.dispatchEvent(new Event("input"));
check("filter stays", cells(3).length === all);
const figure = document.querySelector("figure.zoom"), svg = figure.querySelector("svg"), whole = svg.getAttribute("viewBox");
figure.querySelector("button").click(); check("no zoom", svg.getAttribute("viewBox") !== whole);
figure.dispatchEvent(new KeyboardEvent("keydown", {key: "0"})); check("no way back", svg.getAttribute("viewBox").split(" ").map(Number).join() === whole.split(" ").map(Number).join());
check("no charts", document.querySelectorAll("svg").length >= 3 && svg.getBoundingClientRect().height > 100);
check("scrolls sideways: " + document.documentElement.scrollWidth + " > " + innerWidth, document.documentElement.scrollWidth <= innerWidth);
check("loads something", performance.getEntriesByType("resource").length === 0);
check(errors.join(), errors.length === 0);
document.title = "findings: " + (found.join("; ") || "none");
</script>)js";

TEST_CASE("browser: a report of two runs sorts and filters and zooms and loads nothing") {
  const Folder folder;
  if (shell(folder, "command -v chromium").code != 0) {
    MESSAGE("skipped: no chromium here");
    return;
  }
  const std::string record = std::string(LETO_SOURCE_DIR) + "/study/examples/pilot/records/";
  must(folder, "report " + record + "llama3-8b.json " + record + "gpt2-small.json -o r.html");
  std::string page = read(folder / "r.html");
  CHECK(page.size() < 1'000'000);
  page.insert(page.find("<head>") + 6,
              "<script>const errors = []; onerror = e => errors.push(String(e));</script>");
  page.insert(page.find("</body>"), kProbe);
  write(folder / "probe.html", page);
  const Finished done =
      shell(folder,
            "timeout 100 chromium --headless --no-sandbox --disable-gpu --window-size=1280,900 "
            "--user-data-dir=profile --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr "
            "--dump-dom probe.html");
  REQUIRE_MESSAGE(done.code == 0, done.err);
  const auto title = done.out.find("<title>findings: ");
  REQUIRE(title != std::string::npos);
  const std::string findings = done.out.substr(title + 17, done.out.find("</title>") - title - 17);
  CHECK_MESSAGE(findings == "none", findings);
  CHECK(done.err.find("CONSOLE") == std::string::npos);
}

}  // namespace
}  // namespace leto::e2e
