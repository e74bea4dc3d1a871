"""Trains a head on an augmented stream. Usage: train_head.py ADDRESS COLLECTION [POLICY]"""

import sys

import augstore
import torch

address, collection, policy = [*sys.argv[1:], "identity"][:3]
torch.manual_seed(0)
stream = augstore.StreamDataset(address, collection, split="train", policy=policy, batch_size=128)
loader = augstore.StreamLoader(stream)
head = torch.nn.Sequential(torch.nn.Linear(stream.info.dim, 128), torch.nn.ReLU(), torch.nn.Linear(128, len(stream.info.classes)))
optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, 20 * len(stream), pct_start=0.05, cycle_momentum=False)
for epoch in range(20):
    loader.set_epoch(epoch)
    for z, y in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(head(z), y).backward()
        optimizer.step()
        schedule.step()
test = augstore.StreamDataset(address, collection, split="test", shuffle=False, batch_size=1024)
with torch.no_grad():
    right = sum(int((head(z).argmax(1) == y).sum()) for z, y in test)
print(f"test accuracy {100 * right / test.info.samples:.1f} %")
