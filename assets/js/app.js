import "./live.js";
import "./keys.js";
import "./copy.js";
import "./forms.js";
