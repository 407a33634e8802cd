// Search results quote their pages, which a browser may fetch over http only. From a USB stick the
// results come without quotations instead of with an error for each.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
