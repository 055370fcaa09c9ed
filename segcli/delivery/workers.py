"""Workers: each takes a batch, sends it until it is settled, and takes the next one."""

import asyncio
from dataclasses import dataclass

from segcli.delivery.acknowledge import Acknowledger
from segcli.delivery.queues import SendQueue
from segcli.delivery.retry import BatchSender
from segcli.delivery.slots import SendSlots
from segcli.http.client import Post

# How many batches may wait for a retry without a slot, for each slot.
_WAITING_PER_SLOT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWorkers:
    """The workers of a run, which share `concurrency` slots.

    A worker has a slot while it sends, and none while its batch waits for a retry. There are
    three workers for each slot: up to twice `concurrency` batches wait beside those that are
    sent, and for each one more that waits one fewer is sent.
    """

    concurrency: int
    queue: SendQueue
    slots: SendSlots
    sender: BatchSender
    acknowledger: Acknowledger

    @property
    def count(self) -> int:
        """The number of workers.

        With one slot there is one worker: requests are sent in the order of the input, and none
        is sent while a batch waits for its retry.
        """
        return 1 if self.concurrency == 1 else self.concurrency * (1 + _WAITING_PER_SLOT)

    async def work(self, post: Post) -> None:
        """Send batches, one after the other, until none is left."""
        while await self._send_next(post):
            pass

    async def _send_next(self, post: Post) -> bool:
        """Send the next batch; False when none is left. A waiting worker holds no batch."""
        batch = await self.queue.next_batch()
        if not batch:
            return False
        # A result is saved in the iteration of the event loop after its reply: do not use its
        # slot before that. Sending requests one after the other, instead of each between two
        # replies, also made a run 10 % faster.
        await asyncio.sleep(0)
        if self.sender.ledger.failure:
            self.sender.stop_signal.stop(self.sender.ledger.failure)
        await self.sender.send(batch, post)
        self.acknowledger.add(batch)
        if self.concurrency == 1:
            await self.acknowledger.all_on_disk()
        self.slots.release()
        return True
