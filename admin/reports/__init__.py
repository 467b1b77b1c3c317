"""Reports on a stretch of days: what was aired, how speakers could be reached, cases, what listeners say."""
