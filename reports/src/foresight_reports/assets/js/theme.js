// Runs before the page is painted: marks that scripts run, and applies the stored theme.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const stored = localStorage.getItem("foresight-theme");
    if (stored === "light" || stored === "dark") root.dataset.theme = stored;
  } catch {
    // Storage may be blocked for files; the page then follows the system.
  }
})();
