/** What this program calls itself, in manifests, over HTTP and on the command line. */

/** The version of the product; deno.json says the same (a test holds both equal). */
export const PRODUCT_VERSION = "0.1.0";

/** The version of the fingerprint's rules, as manifests and `seamless version` name it: the prefix of its values. */
export const FINGERPRINT_VERSION = "sfp1";
