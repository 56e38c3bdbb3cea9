import { createMemoryArtifacts } from "../../../src/adapters/artifact_store/memory.ts";
import { artifactStoreContract } from "../../contract/artifact_store.ts";

artifactStoreContract("memory artifacts", () => {
  const store = createMemoryArtifacts();
  return Promise.resolve({ store, second: store, dispose: () => store.close() });
});
