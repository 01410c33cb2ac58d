// How many boxes of a list are ticked, said beside the list.
function tell() {
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
