// The style sheet of report.html: light and dark by the reader's setting, printable, no fonts or images from
// elsewhere.
#pragma once

namespace leto::study {

inline constexpr char kStyle[] = R"css(
:root{--bg:#fff;--fg:#1c2128;--dim:#59636e;--rule:#d8dee4;--soft:#f4f6f8;--accent:#0b5cad;--bar:#cfe2f5;
--c0:#2f6fb3;--c1:#e08e2b;--c2:#b8434e;--c3:#7757a8;--c4:#2f9273;--c5:#b39b1f;--c6:#8a5a44;--c7:#4a9dc4;--c8:#c765a3;
--c9:#6d7a2c;--idle:#d5dbe1;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--bg:#12161b;--fg:#e4e8ec;--dim:#9aa5b1;--rule:#313a44;--soft:#1b2128;
--accent:#6cb2f5;--bar:#1f4468;--c0:#4f93dc;--c1:#eba750;--c2:#de6e78;--c3:#a283d6;--c4:#4fbb97;--c5:#d3bd48;
--c6:#b98468;--c7:#74c0e4;--c8:#e38cc3;--c9:#a3b356;--idle:#3a434d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:0 28px 56px}
header{border-bottom:3px solid var(--accent);padding:34px 0 14px;margin-bottom:8px}
h1{font-size:30px;line-height:1.2;margin:0 0 6px}
header p{margin:0;color:var(--dim)}
h2{font-size:21px;margin:40px 0 10px;padding-bottom:4px;border-bottom:1px solid var(--rule)}
h3{font-size:17px;margin:28px 0 8px}
p{max-width:88ch;margin:10px 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(180px,1fr));gap:12px;margin:16px 0}
.tile{background:var(--soft);border:1px solid var(--rule);border-radius:8px;padding:12px 16px}
.tile dt{color:var(--dim);font-size:13px}
.tile dd{margin:0}
.tile .value{font-size:20px;overflow-wrap:anywhere;font-weight:650;line-height:1.25;font-variant-numeric:tabular-nums}
.tile .note{color:var(--dim);font-size:12.5px}
.wide{overflow-x:auto;margin:14px 0 4px}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
table.small{max-width:720px}
table.dense{font-size:11.5px}
.dense th,.dense td{padding:5px 4px}
.dense thead th{overflow-wrap:anywhere}
.dense th[scope=row]{min-width:90px}
caption{text-align:left;font-weight:600;padding:4px 0 8px}
th,td{padding:5px 9px;text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);overflow-wrap:break-word}
.a{overflow-wrap:anywhere}
thead th{color:var(--dim);font-weight:600;border-bottom:2px solid var(--rule);vertical-align:bottom;overflow-wrap:normal}
th[scope=row]{font-weight:500;min-width:110px}
.n{text-align:right;white-space:nowrap}
.w{white-space:normal}
.share{background:linear-gradient(to right,var(--bar) var(--p),transparent var(--p)) no-repeat 0 3px/100% calc(100% - 6px)}
tbody tr:hover{background:var(--soft)}
.remark{color:var(--dim);font-size:13px}
figure{margin:16px 0 6px}
figcaption{font-weight:600;font-size:13.5px;margin-bottom:8px}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;padding:0;margin:0 0 8px;font-size:13px;color:var(--dim)}
.legend i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:6px;vertical-align:-1px}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--fg);font-size:13px}
.grid{stroke:var(--rule);stroke-width:1}
.curve{fill:none;stroke:var(--c0);stroke-width:2}
.curve.reference{stroke:var(--c1);stroke-dasharray:6 4}
.lane{fill:var(--c0)}.mark{fill:var(--c1);opacity:.22}
.whisker{stroke:var(--fg);stroke-width:1.5}
.roof{stroke-width:2.5}
.r0{stroke:var(--c0)}.r1{stroke:var(--c4)}
.dot{fill:var(--c2);stroke:var(--bg);stroke-width:1.5}
svg text.dotlabel{fill:#fff;font-size:11px;font-weight:700}
.s0{fill:var(--c0);background:var(--c0)}.s1{fill:var(--c1);background:var(--c1)}.s2{fill:var(--c2);background:var(--c2)}
.s3{fill:var(--c3);background:var(--c3)}.s4{fill:var(--c4);background:var(--c4)}.s5{fill:var(--c5);background:var(--c5)}
.s6{fill:var(--c6);background:var(--c6)}.s7{fill:var(--c7);background:var(--c7)}.s8{fill:var(--c8);background:var(--c8)}
.s9{fill:var(--c9);background:var(--c9)}.idle{fill:var(--idle);background:var(--idle)}
.tools{font-size:13px;color:var(--dim);margin:6px 0}
.tools button,.tools input,.tools label{font:inherit;color:inherit}
.tools button,.tools input{background:var(--soft);color:var(--fg);border:1px solid var(--rule);border-radius:4px;padding:2px 8px}
thead th button{all:unset;cursor:pointer}
thead th button:focus-visible,figure:focus-visible{outline:2px solid var(--accent)}
th[aria-sort=descending] button::after{content:" ▾"}th[aria-sort=ascending] button::after{content:" ▴"}
[hidden]{display:none}
@media print{.tools{display:none}body{font-size:11px}main{max-width:none;padding:0}.wide{overflow:visible}table,.remark,.tile .note,.tile dt,.legend,figcaption{font-size:9.5px}
.tile .value{font-size:14px}
table.dense{font-size:7.5px}.dense th,.dense td{padding:3px 2px}h2,h3,caption,figcaption{break-after:avoid}
tr,figure,.tile{break-inside:avoid}.share,.legend i,rect,.dot,.tile{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";

}  // namespace leto::study
