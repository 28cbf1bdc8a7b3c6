// Where a window ends in which somebody has signed in again for a page of the dashboard, which waits for it.
import "./pages.js";

new BroadcastChannel("signed-in").postMessage("signed in");
window.close();
