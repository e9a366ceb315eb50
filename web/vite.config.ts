import { defineConfig } from "vite";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

// The gateway hands these files out as they are: what compresses well is compressed here, once.
const compressed = {
  name: "compressed",
  apply: "build" as const,
  writeBundle(options: { dir?: string }) {
    const folder = join(options.dir ?? "dist", "assets");
    for (const name of readdirSync(folder)) {
      if (/\.(js|css|svg)$/.test(name)) {
        const path = join(folder, name);
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: constants.Z_BEST_COMPRESSION }));
      }
    }
  },
};

export default defineConfig({
  base: "./",
  publicDir: false,
  plugins: [compressed],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
    rolldownOptions: { checks: { moduleLevelDirective: false }, onLog: (level, log, show) => log.code !== "MODULE_LEVEL_DIRECTIVE" && show(level, log) },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8787", "/v1": "http://127.0.0.1:8787" } },
});
