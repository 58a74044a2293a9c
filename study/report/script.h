// The one script of report.html: sorts and filters long tables, zooms charts. Everything is there without it; it loads
// nothing and keeps nothing.
#pragma once

namespace leto::study {

inline constexpr char kScript[] = R"js(
"use strict";
for (const box of document.querySelectorAll(".explore")) {
  const body = box.querySelector("tbody"), rows = [...body.rows], count = box.querySelector("output");
  const show = () => {
    const words = box.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(w => text.includes(w));
      shown += !row.hidden;
    }
    count.textContent = shown + " of " + rows.length;
  };
  box.querySelector("input").addEventListener("input", show);
  box.querySelectorAll("thead button").forEach((button, column) => button.addEventListener("click", () => {
    const head = button.parentElement, down = head.getAttribute("aria-sort") !== "descending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const key = row => { const c = row.cells[column]; return c.dataset.v === undefined ? c.textContent : +c.dataset.v; };
    const order = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? 1 : -1;
    rows.sort((a, b) => (down ? -1 : 1) * order(key(a), key(b)));
    body.append(...rows);
  }));
  show();
}
for (const figure of document.querySelectorAll("figure.zoom")) {
  const svg = figure.querySelector("svg"), whole = svg.getAttribute("viewBox").split(" ").map(Number);
  let [x, y, w, h] = whole;
  const draw = () => {
    x = Math.min(Math.max(x, whole[0]), whole[0] + whole[2] - w);
    y = Math.min(Math.max(y, whole[1]), whole[1] + whole[3] - h);
    svg.setAttribute("viewBox", [x, y, w, h].join(" "));
  };
  const zoom = (by, fx, fy) => {
    const wide = Math.min(whole[2], Math.max(whole[2] / 64, w / by)), high = wide * whole[3] / whole[2];
    x += (w - wide) * fx; y += (h - high) * fy; w = wide; h = high;
    draw();
  };
  const act = {
    "+": () => zoom(1.5, .5, .5), "-": () => zoom(1 / 1.5, .5, .5), "0": () => { [x, y, w, h] = whole; draw(); },
    ArrowLeft: () => { x -= w / 8; draw(); }, ArrowRight: () => { x += w / 8; draw(); },
    ArrowUp: () => { y -= h / 8; draw(); }, ArrowDown: () => { y += h / 8; draw(); }
  };
  for (const button of figure.querySelectorAll("button")) button.addEventListener("click", act[button.dataset.key]);
  figure.addEventListener("keydown", e => { if (act[e.key] && !e.ctrlKey) { act[e.key](); e.preventDefault(); } });
  svg.addEventListener("wheel", e => {
    if (!e.ctrlKey) return;  // plain scrolling stays the page's
    const r = svg.getBoundingClientRect();
    zoom(e.deltaY < 0 ? 1.2 : 1 / 1.2, (e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height);
    e.preventDefault();
  }, {passive: false});
}
)js";

}  // namespace leto::study
