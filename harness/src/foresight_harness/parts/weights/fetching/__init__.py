"""Getting published weights onto this machine: found, downloaded, held to their hashes, read as data, put in place."""
