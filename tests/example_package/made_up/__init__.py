"""A package that adds to rnscli whatever another package can add; `entry_points.txt` names it."""
