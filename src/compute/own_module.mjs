/**
 * The core's module as Deno imports it: compiled from beside this file without reading it through Node's layer, which
 * takes longer to load than all the rest. Only `own_bytes.ts` imports this, and only in Deno: other hosts know no source phase.
 */
import source module from "./compute.wasm";

export default module;
