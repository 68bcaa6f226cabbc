// Runs in <head>, before the first paint: the theme that the reader chose, else the one that their system shows; and
// whether the window is wide. Both go into cookies, so that the server draws the first charts for them.
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function cookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
  }

  function remember(name, value) {
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=31536000; samesite=lax`;
  }

  function apply() {
    const choice = cookie("choco_theme");
    const shade = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
    document.documentElement.dataset.bsTheme = shade;
    remember("choco_shade", shade);
    return shade;
  }

  const broad = window.matchMedia("(min-width: 48rem)");

  function measure() {
    remember("choco_wide", broad.matches ? "yes" : "no");
    return broad.matches;
  }

  broad.addEventListener("change", () => window.dash_clientside.set_props("wide", { data: measure() }));
  dark.addEventListener("change", () => window.dash_clientside.set_props("theme", { data: apply() }));
  window.choco = { apply, cookie, remember };
  apply();
  measure();
})();
