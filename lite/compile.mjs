// node compile.mjs PYODIDE FROM TO: run bytecode.py in pyodide's Python on each wheel of FROM, into TO
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

const [core, from, to] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(`${core}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${core}/` });
python.runPython(readFileSync(new URL("bytecode.py", import.meta.url), "utf8"));
const packed = python.globals.get("packed");
for (const name of readdirSync(from).filter((one) => one.endsWith(".whl"))) {
  const bytes = python.toPy(new Uint8Array(readFileSync(`${from}/${name}`)));
  writeFileSync(`${to}/${name}`, packed(bytes.tobytes()).toJs());
}
