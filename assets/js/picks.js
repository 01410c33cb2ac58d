// How many boxes of a list are ticked, said beside the list; the box in its head is as they are.
function tell() {
  for (const head of document.querySelectorAll("[data-all]")) {
    const boxes = [...document.querySelectorAll(`input[name="${head.dataset.all}"]`)];
    const ticked = boxes.filter((box) => box.checked).length;
    head.checked = ticked > 0 && ticked === boxes.length;
    head.indeterminate = ticked > 0 && ticked < boxes.length;
  }
  for (const place of document.querySelectorAll("[data-ticked]")) {
    const name = place.dataset.ticked;
    const count = document.querySelectorAll(`input[name="${name}"]:checked`).length;
    const words = count ? `${count} ticked` : "";
    if (place.textContent !== words) place.textContent = words;
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches('input[type="checkbox"]')) tell();
});
window.addEventListener("pageshow", tell);
document.addEventListener("htmx:after:swap", tell);
