// A batch of the fixture, and one of the store that real_server makes, which has the same names otherwise.
const BATCH =
  process.env.AUGSTORE_CONSOLE_STORE === "made"
    ? "policy=identity:2,vflip@2:1&seed=7&batch=16&epoch=3&step=2"
    : "policy=identity:2,vflip@2:1,rotate15@2~>vflip@2:1&seed=7&batch=256&epoch=3&step=17";

// The pages that every test looks at.
export const PAGES = {
  overview: "#/overview",
  collections: "#/collections",
  collection: "#/collections/photos@3?other=photos@2",
  transforms: "#/transforms",
  transform: "#/transforms/vflip@2",
  streams: "#/streams",
  replay: `#/streams?collection=photos@3&split=train&${BATCH}`,
  heads: "#/heads",
  head: "#/heads/mine@2",
  explore: "#/explore?collection=photos@3&split=train&samples=1000&chains=vflip&views=yes",
  keys: "#/admin/keys",
  backups: "#/admin/backups",
  verify: "#/admin/verify",
  gc: "#/admin/gc",
  config: "#/admin/config",
  audit: "#/admin/audit?lines=50",
};
