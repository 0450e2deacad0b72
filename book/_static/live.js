// Puts each live figure of a page in the place of its still picture. If anything fails, the picture stays.
for (const block of document.querySelectorAll(".adaptact-live")) {
  const chart = block.querySelector(".live-chart");
  const spec = vega.parse(JSON.parse(block.querySelector("script").textContent));
  chart.hidden = false; // so that it has a width
  new vega.View(spec, { renderer: "svg", container: chart })
    .runAsync()
    .then(() => {
      block.classList.add("is-live");
      // The column gets its width late, and without a change of the window's: what the figure listens to is sent again.
      new ResizeObserver(() => window.dispatchEvent(new Event("resize"))).observe(chart);
    })
    .catch(() => (chart.hidden = true));
}
