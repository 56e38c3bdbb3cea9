/** The program: `seamless VERB …`. */

import { machineSurroundings } from "./cli/machine.ts";
import { main } from "./cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args, machineSurroundings()));
