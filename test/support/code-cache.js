// Loaded before the tests run. Their processes share compiled code, of which each would otherwise strip and compile the same files.

import { fileURLToPath } from 'node:url';

process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../node_modules/.cache/tests', import.meta.url));
