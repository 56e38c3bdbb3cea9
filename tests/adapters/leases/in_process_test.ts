import { InProcessLeases } from "../../../src/adapters/leases/in_process.ts";
import { leasesContract } from "../../contract/leases.ts";
import { FakeClock, SeededDice } from "../../fake_clock.ts";

leasesContract("leases in the process", () => {
  const clock = new FakeClock();
  const leases = new InProcessLeases({ clock, dice: new SeededDice(1) });
  return Promise.resolve({
    leases,
    second: leases,
    clock,
    async restart() {
      await clock.advance(1);
      return new InProcessLeases({ clock, dice: new SeededDice(2) });
    },
    dispose: () => leases.close(),
  });
});
