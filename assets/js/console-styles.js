// xterm.js writes its rules into <style> elements and style attributes, which our policy does not let in. The same
// rules are allowed as adopted style sheets, and through the style object: so they go that way.
const make = document.createElement.bind(document);
document.createElement = (name, options) => {
  if (String(name).toLowerCase() !== "style") return make(name, options);
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  const stand = make("template");
  let rules = "";
  Object.defineProperty(stand, "textContent", {
    get: () => rules,
    set: (text) => {
      rules = text;
      sheet.replaceSync(text);
    },
  });
  const remove = stand.remove.bind(stand);
  stand.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    remove();
  };
  return stand;
};

const set = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (name === "style") this.style.cssText = value;
  else set.call(this, name, value);
};
