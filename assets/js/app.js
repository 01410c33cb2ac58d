import "./live.js";
import "./keys.js";
import "./copy.js";
import "./forms.js";
import "./picks.js";
import "./compose.js";
import "./preview.js";
