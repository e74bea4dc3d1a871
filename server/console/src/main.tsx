// Start reading here: the session decides what is shown, the route decides which page.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import "./style/tokens.css";
import "./style/base.css";
import "./style/layout.css";
import "./style/parts.css";
import "./style/pages.css";
import "./style/phone.css";
import { lost, session, start } from "./lib/api";
import { followHash, route } from "./lib/route";
import { AdminPage } from "./pages/admin";
import { CollectionPage } from "./pages/collection";
import { CollectionsPage } from "./pages/collections";
import { ExplorePage } from "./pages/explore";
import { HeadPage } from "./pages/head";
import { HeadsPage } from "./pages/heads";
import { OverviewPage } from "./pages/overview";
import { SignInPage } from "./pages/sign_in";
import { StreamsPage } from "./pages/streams";
import { TransformPage } from "./pages/transform";
import { TransformsPage } from "./pages/transforms";
import { Notices } from "./parts/clipboard";
import { Shell } from "./parts/shell";
import { Tooltip } from "./parts/tooltip";

function Page() {
  const [page = "overview", ref] = route.value.path;
  switch (page) {
    case "overview":
      return <OverviewPage />;
    case "collections":
      return ref ? <CollectionPage key={ref} reference={ref} /> : <CollectionsPage />;
    case "transforms":
      return ref ? <TransformPage key={ref} reference={ref} /> : <TransformsPage />;
    case "streams":
      return <StreamsPage />;
    case "heads":
      return ref ? <HeadPage key={ref} reference={ref} /> : <HeadsPage />;
    case "explore":
      return <ExplorePage />;
    case "admin":
      return <AdminPage />;
    default:
      return <Lost page={page} />;
  }
}

function Lost({ page }: { page: string }) {
  return (
    <div class="empty">
      <h1 tabIndex={-1}>No such page</h1>
      <p>
        There is no page “{page}”. <a href="#/overview">Go to the overview</a>.
      </p>
    </div>
  );
}

function App() {
  useEffect(() => void start(), []);
  const now = session.value;
  return (
    <>
      {now === null ? <Waiting /> : now.role === "none" ? <SignInPage /> : <Shell page={route.value.path[0] ?? "overview"}>{<Page />}</Shell>}
      <Notices />
      <Tooltip />
    </>
  );
}

function Waiting() {
  return (
    <main class="sign-in">
      <h1>augstore</h1>
      <p role="status">{lost.value ? "The server does not answer. The console tries again every 2 s." : "Asking the server …"}</p>
    </main>
  );
}

followHash();
render(<App />, document.getElementById("app") as HTMLElement);
