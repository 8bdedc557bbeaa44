import preact from "@preact/preset-vite";
import { defineConfig } from "vite";

// The page reads the packages' sources, so that `vite` alone builds it and maps errors to lines that people wrote.
export default defineConfig({
  plugins: [preact()],
  resolve: { conditions: ["@lodeline/source", "module", "browser", "import", "default"] },
  build: { target: "es2023", sourcemap: true, assetsInlineLimit: 2048 },
  server: { port: 5173, proxy: { "/v1": { target: "http://127.0.0.1:7880", ws: true } } },
});
