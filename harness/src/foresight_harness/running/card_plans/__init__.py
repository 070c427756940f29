"""What a plan takes on a card that is not here: counted operations and bytes over the card's own figures."""
