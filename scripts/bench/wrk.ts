/** `wrk`, the usual client for requests a second: in C, so that it leaves the cores to the server. */

const SECONDS = 3;

/** Requests a second over so many kept connections; null where there is no `wrk`. Throws when any answer failed. */
export async function rateByWrk(url: string, connections: number): Promise<number | null> {
  const args = ["-t1", `-c${connections}`, `-d${SECONDS}s`, url];
  let said: string;
  try {
    const { stdout } = await new Deno.Command("wrk", { args, stdin: "null", stderr: "inherit" }).output();
    said = new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(said);
  if (rate === null || said.includes("Non-2xx")) throw new Error(`wrk ${url} said:\n${said}`);
  return Number(rate[1]);
}
