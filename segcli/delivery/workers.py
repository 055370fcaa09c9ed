"""The workers of a run: each takes a batch, carries it to its end, and takes the next one."""

import asyncio
from dataclasses import dataclass

from segcli.delivery.acknowledge import Acknowledger
from segcli.delivery.queues import SendQueue
from segcli.delivery.retry import BatchSender
from segcli.delivery.slots import SendSlots
from segcli.http.client import Post

# How many batches may wait for a retry without a slot, for each slot.
_WAITING_FOR_EACH = 2


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
    courier: BatchSender
    acknowledger: Acknowledger

    @property
    def count(self) -> int:
        """How many workers there are.

        With one slot there is one worker: requests leave in the order of the input, and none
        leaves while a batch waits for its retry.
        """
        return 1 if self.concurrency == 1 else self.concurrency * (1 + _WAITING_FOR_EACH)

    async def work(self, post: Post) -> None:
        """Send batches, one after the other, until none is left."""
        while await self._carry_one(post):
            pass

    async def _carry_one(self, post: Post) -> bool:
        """Send the next batch; False when none is left. A worker that waits for one has no slot."""
        batch = await self.queue.next_batch()
        if not batch:
            return False
        # What was answered in this turn is on record in the next one: before that its place in
        # flight is not used again. Measured: where requests leave one behind the other, and not
        # each between two answers, a run takes a tenth less.
        await asyncio.sleep(0)
        if self.courier.ledger.failure:
            self.courier.stop_signal.stop(self.courier.ledger.failure)
        await self.courier.send(batch, post)
        self.acknowledger.add(batch)
        if self.concurrency == 1:
            await self.acknowledger.all_on_disk()
        self.slots.release()
        return True
