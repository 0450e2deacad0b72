// On paper a page is light, whatever the theme, and what can be opened is open, but for the code of cells that hide it.
const root = document.documentElement;
let theme, closed;
addEventListener("beforeprint", () => {
  theme = root.dataset.theme;
  root.dataset.theme = "light";
  closed = [...document.querySelectorAll("main details:not([open], .hide)")];
  for (const box of closed) box.open = true;
});
addEventListener("afterprint", () => {
  root.dataset.theme = theme;
  for (const box of closed) box.open = false;
});
