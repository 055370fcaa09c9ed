"""What the servers on this machine share: whom they answer, what they hold, how they run."""
