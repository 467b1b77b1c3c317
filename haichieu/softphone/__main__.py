"""`python -m haichieu.softphone`: one phone, JSON commands in, JSON events out."""

from haichieu.softphone.process import main

raise SystemExit(main())
