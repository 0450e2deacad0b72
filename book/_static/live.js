// Puts each live figure of a page in the place of its still picture. If anything fails, the picture stays.
for (const block of document.querySelectorAll(".adaptact-live")) {
  const chart = block.querySelector(".live-chart");
  const spec = vega.parse(JSON.parse(block.querySelector("script").textContent));
  chart.hidden = false; // so that it has a width
  const view = new vega.View(spec, { renderer: "svg", container: chart });
  const fit = () => view.signal("room", Math.min(chart.clientWidth, 800)).runAsync();
  view
    .runAsync()
    .then(fit)
    .then(() => {
      block.classList.add("is-live");
      new ResizeObserver(fit).observe(chart);
    })
    .catch(() => (chart.hidden = true));
}
