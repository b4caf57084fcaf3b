"""What Rempart costs, beside its peers: run by ``make bench``, never as a test, because a loaded machine is no defect."""
