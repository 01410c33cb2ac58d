// What a form would do, asked of the server while it is filled in: its words come into the place that the form names.
const QUIET = 150; // ms in which what is typed becomes one question

let due = null;
let asked = 0;

async function show(form) {
  const mine = ++asked;
  const query = new URLSearchParams(new FormData(form));
  query.set("part", "1");
  let answer;
  try {
    answer = await fetch(`${form.dataset.preview}?${query}`);
  } catch {
    return; // the server is away: the next change asks again
  }
  const words = await answer.text();
  if (mine === asked && answer.ok && !answer.redirected) document.getElementById(form.dataset.previewInto).innerHTML = words;
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form?.dataset.preview) return;
  clearTimeout(due);
  due = setTimeout(show, QUIET, form);
});
