// Tables that scroll sideways can be reached and scrolled by the keyboard; the theme sees to code and outputs in the same way.
addEventListener("DOMContentLoaded", () => {
  const size = new ResizeObserver((boxes) => {
    for (const { target } of boxes) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
  });
  for (const box of document.querySelectorAll(".pst-scrollable-table-container")) size.observe(box);
});
