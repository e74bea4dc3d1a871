import { describe, expect, it } from "vitest";
import { bestAddress, cli, pythonClient, replayCli, replayPython, word } from "./commands";

const CHOICE = { collection: "photos@3", split: "", policy: "identity:1,hflip>vflip:1", seed: "7", batch: 64, epoch: 3, step: 17 };

describe("commands", () => {
  it("quotes what a shell would read in another way", () => {
    expect(word("photos@3")).toBe("photos@3");
    expect(word("hflip>rotate(15)")).toBe("'hflip>rotate(15)'");
    expect(word("it's")).toBe("'it'\\''s'");
    expect(word("")).toBe("''");
  });
  it("leaves out flags that are not given", () => {
    expect(cli("gc", [], { apply: false, pairs: true })).toBe("augstore gc --pairs");
    expect(cli("collection show", ["photos@3"], {}, "tcp://h:1")).toBe("augstore collection show photos@3 --connect tcp://h:1");
  });
  it("says that all samples are meant", () => {
    expect(replayCli(CHOICE, "")).toBe(
      "augstore stream --collection photos@3 --split '' --policy 'identity:1,hflip>vflip:1' --stream-seed 7 --batch-size 64 --epoch 3 --step 17",
    );
  });
  it("writes Python that connects", () => {
    expect(pythonClient("tcp://h:1", "print(client.stats())")).toBe(
      'import augstore\n\nclient = augstore.connect("tcp://h:1")\nprint(client.stats())\n',
    );
    expect(pythonClient("", "x")).toContain('augstore.connect(os.environ["AUGSTORE_CONNECT"])');
    expect(replayPython(CHOICE, "")).toContain('client.stream("photos@3", split="", policy="identity:1,hflip>vflip:1", seed=7, batch_size=64)');
  });
  it("chooses the address that other machines reach", () => {
    expect(bestAddress("unix:///db/augstore.sock, tcp://127.0.0.1:7411")).toBe("tcp://127.0.0.1:7411");
    expect(bestAddress("unix:///db/augstore.sock")).toBe("unix:///db/augstore.sock");
    expect(bestAddress("")).toBe("");
  });
});
