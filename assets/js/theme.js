// Before the first paint: the theme that was chosen. Without a choice the system's.
const chosen = /(?:^|; )theme=(light|dark)/.exec(document.cookie)?.[1];
const system = window.matchMedia("(prefers-color-scheme: dark)");
const show = () => document.documentElement.classList.toggle("is-dark", (chosen ?? (system.matches ? "dark" : "light")) === "dark");
system.addEventListener("change", show);
show();
