/**
 * Takes the place of `src/compute/mod.ts` in the npm package's client: the core is not bundled a second time, but
 * imported from the module beside it.
 */

// @ts-ignore: the build writes this module beside the bundle (`bundle` in build_npm.ts).
export { load } from "./compute.js";
