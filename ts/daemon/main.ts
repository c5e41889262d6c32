#!/usr/bin/env node
import { buildProgram } from './cli/program.ts';
import { reportCliError } from './cli/report.ts';

/** The only place that ends the process. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
try {
  process.exitCode = await buildProgram().run(process.argv);
} catch (error) {
  process.exitCode = reportCliError(error);
}
