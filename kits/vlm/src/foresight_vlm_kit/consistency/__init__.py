"""Whether a picture and its reconstruction are the same to a whole vision-language model that is asked about both."""
