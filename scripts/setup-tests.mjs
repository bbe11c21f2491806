// SPDX-License-Identifier: MIT
// Gets what `npm test` needs from registries; with --quick without other Node.js versions and other programs.
import { needCrates, needPackages, needPython } from './setup.mjs';

needPackages();
if (!process.argv.includes('--quick')) {
  for (const folder of ['test/nodes', 'test/consumers', 'test/real']) needPackages(folder);
  needPython('test/consumers');
  needCrates('test/consumers');
}
