"""The workers of a run: each takes a batch, carries it to its end, and takes the next one."""

import asyncio
from dataclasses import dataclass

from segcli.delivery.answered import Answered
from segcli.delivery.http.client import Post
from segcli.delivery.lanes import Lanes
from segcli.delivery.retry import Courier
from segcli.delivery.slots import SendSlots

# How many batches may wait for a retry without a slot, for each slot.
_WAITING_FOR_EACH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWorkers:
    """As many workers as batches may be under way or wait for a retry.

    A worker needs a slot to send, and none while its batch waits. So up to twice `concurrency`
    batches wait beside those that are sent; where more wait, so many fewer are sent.
    """

    concurrency: int
    lanes: Lanes
    slots: SendSlots
    courier: Courier
    answered: Answered

    @property
    def count(self) -> int:
        """How many workers there are.

        Where requests go one by one they go in the order of the input: nothing goes while a batch
        waits for its retry.
        """
        return 1 if self.concurrency == 1 else self.concurrency * (1 + _WAITING_FOR_EACH)

    async def work(self, post: Post) -> None:
        """Carry batches, one after the other."""
        while await self._carry_one(post):
            pass

    async def _carry_one(self, post: Post) -> bool:
        """Carry the next batch; False: there is none. Whoever waits keeps hold of none."""
        batch = await self.lanes.next_batch()
        if not batch:
            return False
        # What was answered in this turn is on record in the next one: before that its place in
        # flight is not used again. Measured: where requests leave one behind the other, and not
        # each between two answers, a run takes a tenth less.
        await asyncio.sleep(0)
        if self.courier.ledger.failure:
            self.courier.brake.pull(self.courier.ledger.failure)
        await self.courier.carry(batch, post)
        self.answered.add(batch)
        if self.concurrency == 1:
            await self.answered.all_on_disk()
        self.slots.release()
        return True
