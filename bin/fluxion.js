#!/usr/bin/env node
// The command line: from the sources in a checkout, from dist/ in the published package. Plain JavaScript that old Nodes can
// parse, so that they can say what is missing.

import { existsSync } from 'node:fs';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) < NEEDED) {
  console.error(
    `fluxion needs Node ${NEEDED} or newer, and this is ${process.version} (${process.execPath}).\n` +
      `In a checkout, 'npm ci' brings one along: run 'npx fluxion …' there. Elsewhere: https://nodejs.org/download`,
  );
  process.exit(1);
}

const source = new URL('../src/cli/main.ts', import.meta.url);
const { runProcess } = await import(
  existsSync(source) ? source.href : new URL('../dist/program/main.js', import.meta.url).href
);
await runProcess(process.argv.slice(2));
