// A button that copies the text of the element it names. A page that came without TLS is given no clipboard:
// the text is selected and copied as a person would.
async function copy(from) {
  try {
    await navigator.clipboard.writeText(from.value ?? from.textContent);
    return true;
  } catch {}
  if (from.select) from.select();
  else getSelection().selectAllChildren(from);
  return document.execCommand("copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const done = await copy(document.getElementById(button.dataset.copy));
  const words = (button.dataset.words ??= button.textContent);
  button.textContent = done ? "Copied" : "Not copied: select the text";
  setTimeout(() => (button.textContent = words), 1500);
});
