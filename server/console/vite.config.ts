import { defineConfig } from "vitest/config";

// The server embeds every file of dist/ by its name. So names are stable, files are few, and index.html refers to them
// relatively: the console works below any path.
export default defineConfig({
  base: "./",
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2020",
    outDir: process.env.AUGSTORE_CONSOLE_OUT ?? "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        inlineDynamicImports: true,
        entryFileNames: "console.js",
        assetFileNames: "console.[ext]",
      },
    },
  },
  server: { proxy: { "/api": process.env.AUGSTORE_CONSOLE_URL ?? "http://127.0.0.1:8017" } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
