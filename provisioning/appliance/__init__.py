"""An appliance under test, driven as its administrator does: by the management API and by SSH; simulated or real alike."""
