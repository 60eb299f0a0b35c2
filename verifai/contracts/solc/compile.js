// Standard-JSON compiler: input on stdin, output on stdout, nothing else.
// npm's own solcjs prints a banner into its output and fails on slow pipes.
"use strict";
const path = require("path");
const solc = require(path.join(process.argv[2], "node_modules", "solc"));

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  // No import callback: a source that imports files is refused by the compiler.
  process.stdout.write(solc.compile(Buffer.concat(chunks).toString("utf8")));
});
