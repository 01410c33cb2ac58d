// "/" goes to the search box, "?" and the button below every page tell the keys.
const tell = () => document.getElementById("keys")?.showModal();
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) tell();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.closest("input, textarea, select, [contenteditable], .terminal")) return;
  if (event.key === "/") {
    const box = (document.querySelector("[data-search]") ?? document.querySelector("[data-search-all]"));
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  } else if (event.key === "?") {
    event.preventDefault();
    tell();
  }
});
