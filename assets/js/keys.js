// "/" goes to the search box, "?" tells the keys.
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
    const keys = document.getElementById("keys");
    if (keys) {
      event.preventDefault();
      keys.showModal();
    }
  }
});
