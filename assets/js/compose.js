// The map of cores and the text of cores say the same; who asks for more than is free hears it at once.
const map = document.querySelector("[data-core-map]");

function coresOf(text) {
  const found = new Set();
  for (const piece of text.split(",")) {
    const match = /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*$/.exec(piece);
    if (!match) continue; // still being typed
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])].sort((a, b) => a - b);
    for (let core = first; core <= last && found.size < 4096; core += 1) found.add(core);
  }
  return found;
}

function textOf(cores) {
  const runs = [];
  for (const core of [...cores].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && run[1] === core - 1) run[1] = core;
    else runs.push([core, core]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function choose(value) {
  const radio = document.querySelector(`input[name="by"][value="${value}"]`);
  if (radio) radio.checked = true;
}

if (map) {
  const field = document.getElementById(map.dataset.coreMap);
  const cells = [...map.querySelectorAll("[data-open]")];
  const show = () => {
    const cores = coresOf(field.value);
    for (const cell of cells) cell.setAttribute("aria-pressed", cores.has(Number(cell.dataset.core)));
  };
  for (const cell of cells) {
    cell.disabled = false;
    cell.addEventListener("click", () => {
      const cores = coresOf(field.value);
      const core = Number(cell.dataset.core);
      if (!cores.delete(core)) cores.add(core);
      field.value = textOf(cores);
      choose("pinned");
      show();
    });
  }
  field.addEventListener("input", () => {
    choose("pinned");
    show();
  });
  document.getElementById("cores")?.addEventListener("input", () => choose("number"));
  show();
}

const pages = document.querySelector("form.compose #hugepages");
for (const field of document.querySelectorAll("form.compose [data-most]")) {
  const words = document.createElement("p");
  words.className = "p-form-validation__message";
  words.setAttribute("role", "status");
  field.closest(".p-form__group").append(words);
  const look = () => {
    const most = Number(pages?.checked && field.dataset.mostPages ? field.dataset.mostPages : field.dataset.most);
    const over = Number(field.value) > most;
    const few = most === 1 ? `1 ${field.dataset.unit.replace(/s$/, "")} is` : `${most} ${field.dataset.unit} are`;
    words.textContent = over ? `Only ${few} free.` : "";
    field.closest(".p-form__group").classList.toggle("is-caution", over);
    field.closest(".p-form__group").classList.toggle("p-form-validation", over || field.hasAttribute("aria-invalid"));
  };
  field.addEventListener("input", look);
  pages?.addEventListener("change", look);
}
