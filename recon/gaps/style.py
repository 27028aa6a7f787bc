"""The page's looks: one column that reads on a phone and on a desk, system fonts, nothing fetched."""

from typing import Final

CSS: Final = """
:root{color-scheme:light}
*{box-sizing:border-box}
body{margin:0;background:#fbfbfa;color:#1d1d1f;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1040px;margin:0 auto;padding:16px}
h1{font-size:1.7rem;line-height:1.2;margin:.6em 0 .2em}
h2{font-size:1.25rem;margin:2em 0 .4em;padding-top:.6em;border-top:1px solid #ddd}
h3{font-size:1.05rem;margin:1.4em 0 .4em}
h4{font-size:.95rem;margin:1.2em 0 .3em}
p{max-width:70ch;margin:.4em 0}
.note,small,em{color:#5c5c60;font-size:.85rem;font-style:normal}
.warn{background:#fff4d6;border-left:4px solid #c98500;padding:.5em .8em;margin:1em 0}
.warn ul,.plain{margin:.2em 0;padding-left:1.2em;max-width:70ch}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;font-size:.88rem;width:100%}
th,td{padding:.3em .45em;text-align:right;border-bottom:1px solid #e6e6e6;vertical-align:top;white-space:nowrap}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:#fbfbfa}
td small,th small,.value small{display:block;font-size:.75rem;line-height:1.2}
thead th{font-weight:600;white-space:normal;border-bottom:2px solid #bbb;vertical-align:bottom}
.chip{display:inline-block;min-width:2em;margin-right:.5em;padding:0 .35em;border-radius:3px;color:#fff;font-size:.75rem;font-weight:600;text-align:center}
.row{display:grid;grid-template-columns:minmax(130px,230px) 1fr 118px;gap:10px;align-items:center;min-height:34px}
.row .name{font-size:.88rem;overflow-wrap:anywhere}
.row .value{font-size:.88rem;text-align:right;font-variant-numeric:tabular-nums}
.axis{position:relative;height:34px;margin:0 6px}
.axis .tick{position:absolute;top:0;bottom:0;width:1px;background:#e2e2e2}
.axis .range{position:absolute;top:15px;height:4px;border-radius:2px;opacity:.55}
.axis .dot{position:absolute;top:12px;width:10px;height:10px;margin-left:-5px;border-radius:50%}
.foot .axis b{position:absolute;transform:translateX(-50%);font-size:.75rem;font-weight:400;color:#5c5c60}
.strip{width:100%;height:22px;background:#f1f1ef}
.plane{display:grid;grid-template-columns:minmax(0,480px) minmax(200px,1fr);gap:16px;align-items:center}
.plane svg{width:100%;height:auto}
.plane svg text{font-size:11px;fill:#333}
.plane svg text.on{font-size:9px;fill:#fff;font-weight:700}
.plane ol{list-style:none;margin:0;padding:0;font-size:.9rem}
.plane li{margin:.25em 0}
.bar{display:flex;height:22px;border-radius:3px;overflow:hidden;background:#eee}
.bar i{display:block;height:100%}
.parts{list-style:none;margin:.4em 0;padding:0;display:flex;flex-wrap:wrap;gap:.4em 1.6em;font-size:.9rem}
.parts li i{display:inline-block;width:.8em;height:.8em;margin-right:.4em;border-radius:2px}
.parts small{display:inline;margin-left:.5em}
.parts em{display:block}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(270px,1fr));gap:12px}
.card{background:#fff;border:1px solid #e3e3e3;border-radius:6px;padding:.6em .9em;font-size:.88rem;overflow-wrap:anywhere}
.card h3{margin:.1em 0 .4em}
.card dl{margin:0}
.card dt{color:#5c5c60;font-size:.78rem}
.card dd{margin:0 0 .35em}
figure{margin:1em 0}
figure img{width:100%;min-width:720px;height:auto;display:block;background:#fff}
figcaption{font-size:.9rem;margin-bottom:.3em}
details{margin:.6em 0}
summary{cursor:pointer;font-weight:600}
@media (max-width:640px){
main{padding:10px}
h1{font-size:1.35rem}
.row{grid-template-columns:1fr 96px;row-gap:0;padding:.25em 0}
.row .name{grid-column:1/3}
.plane{grid-template-columns:1fr}
.foot .name,.foot .value{display:none}
}
"""
